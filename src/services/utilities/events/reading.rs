//! What is told of readings. Of a delivery there is one event for each register, which names the
//! newest reading and how many there are: ten thousand readings are no ten thousand events. Of a
//! correction there is one event each, for a bill may have to be made again.
use busbar_http::Problem;
use serde::Serialize;
use serde_json::json;

use crate::audit;
use crate::events::{Kind, Origin, Published, kinds, outbox};
use crate::storage::Transaction;
use crate::types::{MeterId, ReadingId, RegisterId, ServiceAccountId, Timestamp, UserId};

use super::super::model::count::Count;
use super::super::model::meter::Meter;
use super::super::model::reading::{Reading, Suspicion};
use super::super::model::words::Quality;

/// Readings of one register that came together.
#[derive(Debug, Serialize)]
struct Delivered<const IS_HELD: bool> {
    meter_id: MeterId,
    register_id: RegisterId,
    service_account_id: ServiceAccountId,
    user_id: UserId,
    count: usize,
    first_at: Timestamp,
    /// The newest of them, as all that follows.
    reading_id: ReadingId,
    at: Timestamp,
    value: Count,
    quality: Quality,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspicion: Option<Suspicion>,
}

#[derive(Debug, Serialize)]
struct Corrected {
    meter_id: MeterId,
    register_id: RegisterId,
    service_account_id: ServiceAccountId,
    user_id: UserId,
    at: Timestamp,
    /// What does not count any more.
    supersedes: ReadingId,
    earlier_value: Count,
    /// What counts in its place; none where it was made void.
    reading_id: Option<ReadingId>,
    value: Option<Count>,
    quality: Quality,
    /// Whether a bill was made from what does not count any more.
    billed: bool,
}

impl<const IS_HELD: bool> Published for Delivered<IS_HELD> {
    const KIND: Kind = if IS_HELD { kinds::READING_HELD } else { kinds::READING_RECORDED };
    fn subject(&self) -> String {
        subject_of(self.meter_id)
    }
}

impl Published for Corrected {
    const KIND: Kind = kinds::READING_CORRECTED;
    fn subject(&self) -> String {
        subject_of(self.meter_id)
    }
}

/// The readings of a meter are told in their order.
fn subject_of(id: MeterId) -> String {
    format!("meter/{id}")
}

/// Readings of one register that now count: the newest, the instant of the oldest, how many.
pub(crate) async fn recorded(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    meter: &Meter,
    newest: &Reading,
    (first_at, count): (Timestamp, usize),
) -> Result<(), Problem> {
    outbox::publish(tx, origin, &delivered::<false>(meter, newest, first_at, count)).await?;
    Ok(())
}

/// As `recorded`, of readings that wait for somebody's word.
pub(crate) async fn held(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    meter: &Meter,
    newest: &Reading,
    (first_at, count): (Timestamp, usize),
) -> Result<(), Problem> {
    outbox::publish(tx, origin, &delivered::<true>(meter, newest, first_at, count)).await?;
    Ok(())
}

fn delivered<const IS_HELD: bool>(
    meter: &Meter,
    newest: &Reading,
    first_at: Timestamp,
    count: usize,
) -> Delivered<IS_HELD> {
    Delivered {
        meter_id: meter.id,
        register_id: newest.register_id,
        service_account_id: meter.service_account_id,
        user_id: meter.user_id,
        count,
        first_at,
        reading_id: newest.id,
        at: newest.at,
        value: newest.value,
        quality: newest.quality,
        suspicion: newest.suspicion.filter(|_| IS_HELD),
    }
}

/// `earlier` does not count any more; `new` does in its place, if there is one.
pub(crate) async fn corrected(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    meter: &Meter,
    (earlier_id, earlier_value): (ReadingId, Count),
    (reading, is_void): (&Reading, bool),
    billed: bool,
) -> Result<(), Problem> {
    let told = Corrected {
        meter_id: meter.id,
        register_id: reading.register_id,
        service_account_id: meter.service_account_id,
        user_id: meter.user_id,
        at: reading.at,
        supersedes: earlier_id,
        earlier_value,
        reading_id: (!is_void).then_some(reading.id),
        value: (!is_void).then_some(reading.value),
        quality: reading.quality,
        billed,
    };
    outbox::publish(tx, origin, &told).await?;
    Ok(())
}

/// Who of the staff did what to which reading.
pub(crate) async fn audited(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    reading: &Reading,
    action: &'static str,
) -> Result<(), Problem> {
    let entry = audit::Entry {
        actor: origin.actor.clone(),
        action,
        subject: format!("reading/{}", reading.id),
        request_id: Some(origin.correlation.clone()),
        at: origin.at,
        details: json!({"meter_id": reading.meter_id, "register_id": reading.register_id,
            "status": reading.status, "supersedes": reading.supersedes}),
    };
    audit::record(tx, &entry).await?;
    Ok(())
}
