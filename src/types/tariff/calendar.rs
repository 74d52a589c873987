//! Whether seasons cover the year and times of use the week, every minute exactly once, and
//! whether they can be rated yet.
use super::check::Faults;
use super::content::{Season, TouPeriod};
use super::words::{DAYS_OF_YEAR, Holidays, MINUTES_OF_DAY, MinuteOfDay, Weekday};

/// Seven ordinary days and seven that are holidays.
const KINDS_OF_DAY: usize = 14;
const DAYS_OF_WEEK: usize = 7;

/// How often each moment is covered.
struct Cover {
    counts: Vec<u8>,
}

impl Cover {
    fn of(moments: usize) -> Cover {
        Cover { counts: vec![0; moments] }
    }

    fn add(&mut self, from: usize, to: usize) {
        self.counts[from..to].iter_mut().for_each(|count| *count = count.saturating_add(1));
    }

    fn has_hole(&self) -> bool {
        self.counts.contains(&0)
    }

    fn overlaps(&self) -> bool {
        self.counts.iter().any(|count| *count > 1)
    }
}

/// No seasons are one that lasts all year.
pub(super) fn check_seasons(seasons: &[Season], faults: &mut Faults) {
    faults.unique(seasons.iter().map(|season| &season.id), "/seasons", "id");
    let year = usize::from(DAYS_OF_YEAR);
    let mut cover = Cover::of(year);
    for season in seasons {
        let (from, to) = (usize::from(season.from.index()), usize::from(season.to.index()));
        if from <= to {
            cover.add(from, to + 1);
        } else {
            cover.add(from, year);
            cover.add(0, to + 1);
        }
    }
    if !seasons.is_empty() && cover.has_hole() {
        faults.wrong("/seasons", "season_gap", "some day of the year is in no season");
    }
    if cover.overlaps() {
        faults.wrong("/seasons", "season_overlap", "some day of the year is in two seasons");
    }
    if seasons.len() > 1 {
        let detail = "only one season, the whole year, can be rated yet";
        faults.unsupported("/seasons/1", "seasons_unsupported", detail);
    }
}

/// No times of use are one that always holds.
pub(super) fn check_tou(periods: &[TouPeriod], faults: &mut Faults) {
    faults.unique(periods.iter().map(|period| &period.id), "/tou", "id");
    let mut cover = Cover::of(KINDS_OF_DAY * usize::from(MINUTES_OF_DAY));
    let mut has_default = false;
    for (index, period) in periods.iter().enumerate() {
        let pointer = format!("/tou/{index}");
        if !period.default {
            add_window(&mut cover, period, &pointer, faults);
            let detail = "only one time of use, the default, can be rated yet";
            faults.unsupported(&pointer, "tou_unsupported", detail);
            continue;
        }
        if has_default {
            let detail = "what no window covers belongs to one default";
            faults.wrong(format!("{pointer}/default"), "tou_default_repeated", detail);
        }
        has_default = true;
        if period.days.is_some() || period.from.is_some() || period.to.is_some() {
            let detail = "the default holds whenever no window does: it has none of its own";
            faults.wrong(&pointer, "tou_default_window", detail);
        }
    }
    if !periods.is_empty() && !has_default && cover.has_hole() {
        faults.wrong("/tou", "tou_gap", "some minute of the week is in no time of use");
    }
    if cover.overlaps() {
        faults.wrong("/tou", "tou_overlap", "some minute of the week is in two times of use");
    }
}

/// What a window covers of the week, with and without holidays.
fn add_window(cover: &mut Cover, period: &TouPeriod, pointer: &str, faults: &mut Faults) {
    let day = usize::from(MINUTES_OF_DAY);
    let (from, to) = match (period.from, period.to) {
        (Some(from), Some(to)) if usize::from(from.index()) < day => (minute(from), minute(to)),
        (None, None) => (0, day),
        _ => {
            let detail = "a window has a beginning within the day and an end, or neither";
            faults.wrong(pointer, "tou_window_invalid", detail);
            return;
        }
    };
    let mut days = period.days.clone().unwrap_or_else(|| Weekday::ALL.to_vec());
    days.sort_unstable();
    days.dedup();
    let kinds = if period.holidays == Some(Holidays::Exclude) { 1 } else { 2 };
    for kind in 0..kinds {
        for weekday in &days {
            let at = |weekday: usize| (kind * DAYS_OF_WEEK + weekday % DAYS_OF_WEEK) * day;
            let (today, tomorrow) = (at(*weekday as usize), at(*weekday as usize + 1));
            if from < to {
                cover.add(today + from, today + to);
            } else {
                cover.add(today + from, today + day);
                cover.add(tomorrow, tomorrow + to);
            }
        }
    }
}

fn minute(of_day: MinuteOfDay) -> usize {
    usize::from(of_day.index())
}
