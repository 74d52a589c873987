//! What each endpoint does, by its report.
pub(crate) mod aging;
pub(crate) mod collections;
pub(crate) mod dashboard;
pub(crate) mod payments;
pub(crate) mod rebuild;
pub(crate) mod revenue;

use std::sync::Arc;
use std::time::Duration;

use busbar_http::{Content, Problem, Rendered};
use tokio::sync::Semaphore;

use crate::types::{Currency, Timestamp, Zone};

use super::Analytics;
use super::chart::svg;
use super::export::csv;
use super::model::query::{Format, GroupBy};
use super::problem::{REPORT_TOO_LARGE, REPORT_TOO_SLOW};
use super::report::{Head, Report, Source};
use super::store::sum::Selection;
use super::store::{generation, source};

/// When a report that took too long may be asked for again.
const RETRY_AFTER_S: u64 = 10;

/// What a report is made with: one generation from its first figure to its last.
struct Desk {
    now: Timestamp,
    generation: i64,
    head: Head,
}

impl Analytics {
    async fn desk(&self, zone: &Zone) -> Result<Desk, Problem> {
        let now = self.clock.now();
        let generation = generation::active(&self.database).await?;
        let fresh = source::freshness(&self.database).await?;
        let head = Head {
            as_of: now,
            lag_s: fresh.map_or(0.0, |fresh| seconds(fresh.lag_us)),
            heard_at: fresh.map(|fresh| fresh.heard_at),
            newest_event_at: fresh.map(|fresh| fresh.newest_at),
            tz: zone.clone(),
            source: Source::Facts,
        };
        Ok(Desk { now, generation, head })
    }

    /// Which sums; one row too many tells that there are more.
    fn selection(
        &self,
        desk: &Desk,
        currency: Option<Currency>,
        group_by: Option<GroupBy>,
    ) -> Selection {
        let rows_max = self.settings.report_rows_max.saturating_add(1);
        Selection { generation: desk.generation, currency, group_by, rows_max }
    }

    /// Refuses what has more rows than a report may have.
    fn bounded(&self, rows: usize) -> Result<(), Problem> {
        let rows_max = self.settings.report_rows_max;
        if u32::try_from(rows).is_ok_and(|rows| rows <= rows_max) {
            return Ok(());
        }
        Err(REPORT_TOO_LARGE.problem().with("rows_max", rows_max))
    }

    /// Makes the report in its turn and within its time, in the form that is asked for.
    async fn answer<R: Report + 'static>(
        &self,
        format: Option<Format>,
        making: impl Future<Output = Result<R, Problem>> + 'static,
    ) -> Result<Rendered<R>, Problem> {
        let begun = tokio::time::Instant::now();
        let report = in_turn(&self.places, self.settings.report_wait, making).await?;
        let format = format.unwrap_or(Format::Json);
        let file = |ending: &str| format!("{}_{}.{ending}", R::NAME, report.about());
        let rendered = match format {
            Format::Csv => {
                let text = csv(&report.whole_table()).map_err(Problem::internal)?;
                Rendered::Content(Content::csv(text, &file("csv")))
            }
            Format::Svg => Rendered::Content(Content::svg(svg(&report.chart()), &file("svg"))),
            Format::Json => Rendered::Json(report),
        };
        self.meters.reported(format.as_str(), begun.elapsed().as_secs_f64());
        Ok(rendered)
    }
}

/// What `making` comes to within this time, which begins with the wait for a place.
///
/// What has begun keeps its place to its end, also when nobody waits for it any more: the statement
/// that it is at goes on in the database, and has its connection for as long.
async fn in_turn<R: 'static>(
    places: &Arc<Semaphore>,
    wait: Duration,
    making: impl Future<Output = Result<R, Problem>> + 'static,
) -> Result<R, Problem> {
    let made = async {
        let place = places.clone().acquire_owned().await.map_err(Problem::internal)?;
        let work = actix_rt::spawn(async move {
            let made = making.await;
            drop(place);
            made
        });
        work.await.map_err(Problem::internal)?
    };
    let too_slow = |_| REPORT_TOO_SLOW.problem().retry_after(RETRY_AFTER_S);
    tokio::time::timeout(wait, made).await.map_err(too_slow)?
}

/// Seconds with milliseconds.
#[allow(clippy::cast_precision_loss, reason = "a duration for people")]
pub(super) fn seconds(micros: i64) -> f64 {
    (micros / 1_000) as f64 / 1_000.0
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[actix_rt::test]
    async fn what_is_given_up_keeps_its_place_to_its_end() {
        let places = Arc::new(Semaphore::new(1));
        let (at_once, long) = (Duration::ZERO, Duration::from_secs(3_600));
        let (end, ended) = oneshot::channel::<()>();
        let making = async { ended.await.map_err(Problem::internal) };
        let given_up = in_turn(&places, at_once, making).await.unwrap_err();
        assert_eq!(given_up.code(), "report_too_slow");
        assert_eq!(places.available_permits(), 0);
        let in_vain = in_turn(&places, at_once, async { Ok(()) }).await.unwrap_err();
        assert_eq!(in_vain.code(), "report_too_slow");

        end.send(()).unwrap();
        in_turn(&places, long, async { Ok(()) }).await.unwrap();
        assert_eq!(places.available_permits(), 1);
    }
}
