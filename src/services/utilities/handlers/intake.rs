//! Takes in readings of one meter, within the transaction that locks it.
use std::collections::BTreeMap;

use busbar_http::Problem;

use crate::events::Origin;
use crate::storage::Transaction;
use crate::types::{ReadingId, RegisterId, Timestamp};

use super::super::events::reading as told;
use super::super::model::batch::{CORRECTIONS_MAX, HeldView, IntakeView, Item, Rejected};
use super::super::model::count::Count;
use super::super::model::meter::{Meter, Register};
use super::super::model::reading::{Known, Reading, ReadingStatus};
use super::super::store;
use super::super::verdict::{RECENT_MAX, Surroundings, Verdict, Walk};

/// Readings that are judged together.
const CHUNK_MAX: usize = 1_000;
/// Readings that are looked at around those of a chunk; where there are more, it is made smaller.
const KNOWN_MAX: usize = 5_000;

/// A delivery that is being taken in.
pub(super) struct Intake<'a> {
    pub(super) origin: &'a Origin,
    pub(super) meter: &'a Meter,
    pub(super) view: IntakeView,
    /// The readings that a delivery of one is answered with.
    pub(super) shows_reading: bool,
    pub(super) corrections: usize,
    /// Judged, and not written yet.
    pub(super) unwritten: Vec<Reading>,
    /// What stood in the way of a reading, if it did.
    pub(super) conflict: Option<ReadingId>,
}

/// Readings of one register that became the same: the newest, and how it began.
#[derive(Default)]
struct Tally {
    newest: Option<Reading>,
    first_at: Option<Timestamp>,
    count: usize,
}

impl Tally {
    /// Readings come in the order of their instants.
    fn add(&mut self, reading: &Reading) {
        self.first_at.get_or_insert(reading.at);
        self.newest = Some(reading.clone());
        self.count += 1;
    }
}

impl Intake<'_> {
    /// Takes in what is in order by itself.
    pub(super) async fn take(
        &mut self,
        tx: &mut Transaction<'_>,
        registers: &[Register],
        items: Vec<Item>,
    ) -> Result<(), Problem> {
        let mut of_register: BTreeMap<RegisterId, Vec<Item>> = BTreeMap::new();
        for item in items {
            of_register.entry(item.reading.register_id).or_default().push(item);
        }
        for register in registers {
            if let Some(mut items) = of_register.remove(&register.id) {
                items.sort_by_key(|item| item.reading.at);
                self.take_register(tx, register, &items).await?;
            }
        }
        Ok(())
    }

    async fn take_register(
        &mut self,
        tx: &mut Transaction<'_>,
        register: &Register,
        items: &[Item],
    ) -> Result<(), Problem> {
        let (mut accepted, mut held) = (Tally::default(), Tally::default());
        let mut rest = items;
        while let Some((chunk, around)) = next_chunk(tx, register, rest).await? {
            let mut walk = Walk::new(around);
            for item in chunk {
                match walk.judge(item) {
                    Verdict::Accepted => {
                        accepted.add(&item.reading);
                        self.view.accepted += 1;
                        self.keep(item.reading.clone());
                    }
                    Verdict::Held(suspicion) => {
                        let status = ReadingStatus::Held;
                        let suspicion = Some(suspicion);
                        let reading = Reading { status, suspicion, ..item.reading.clone() };
                        held.add(&reading);
                        self.view.held.extend(held_view(item.index, &reading));
                        self.keep(reading);
                    }
                    Verdict::Duplicate => self.view.duplicates += 1,
                    Verdict::Conflict(known) => self.conflict(item.index, known.id),
                    Verdict::Correction(known) => self.correct(tx, item, &known).await?,
                }
            }
            self.write(tx).await?;
            rest = &rest[chunk.len()..];
        }
        self.tell(tx, &accepted, &held).await
    }

    fn keep(&mut self, reading: Reading) {
        if self.shows_reading {
            self.view.reading = Some(reading.clone());
        }
        self.unwritten.push(reading);
    }

    async fn write(&mut self, tx: &mut Transaction<'_>) -> Result<(), Problem> {
        let readings = std::mem::take(&mut self.unwritten);
        Ok(store::reading::insert(tx, &readings, &self.origin.actor).await?)
    }

    fn conflict(&mut self, index: usize, known: ReadingId) {
        self.conflict = Some(known);
        let detail = "the register showed something else at this instant";
        let rejected = Rejected::new(index, "/value", "reading_conflict", detail);
        self.view.rejected.push(rejected);
    }

    /// In place of a reading of the same instant.
    async fn correct(
        &mut self,
        tx: &mut Transaction<'_>,
        item: &Item,
        known: &Known,
    ) -> Result<(), Problem> {
        if self.corrections == CORRECTIONS_MAX {
            let detail = format!("at most {CORRECTIONS_MAX} of one delivery");
            let rejected = Rejected::new(item.index, "/quality", "corrections_too_many", detail);
            self.view.rejected.push(rejected);
            return Ok(());
        }
        self.corrections += 1;
        // What it corrects may have come with it.
        self.write(tx).await?;
        let reading = Reading { supersedes: Some(known.id), ..item.reading.clone() };
        supersede(tx, self.origin, self.meter, (known.id, known.value), &reading).await?;
        self.view.accepted += 1;
        if self.shows_reading {
            self.view.reading = Some(reading);
        }
        Ok(())
    }

    async fn tell(
        &self,
        tx: &mut Transaction<'_>,
        accepted: &Tally,
        held: &Tally,
    ) -> Result<(), Problem> {
        let (origin, meter) = (self.origin, self.meter);
        if let (Some(newest), Some(first_at)) = (&accepted.newest, accepted.first_at) {
            told::recorded(tx, origin, meter, newest, (first_at, accepted.count)).await?;
        }
        if let (Some(newest), Some(first_at)) = (&held.newest, held.first_at) {
            told::held(tx, origin, meter, newest, (first_at, held.count)).await?;
        }
        Ok(())
    }
}

/// Puts `reading` in the place of an earlier one, and tells it.
pub(super) async fn supersede(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    meter: &Meter,
    earlier: (ReadingId, Count),
    reading: &Reading,
) -> Result<(), Problem> {
    let billed = store::pin::is_billed(tx, earlier.0).await?;
    store::reading::end(tx, earlier.0, ReadingStatus::Superseded, origin.at).await?;
    store::reading::insert(tx, std::slice::from_ref(reading), &origin.actor).await?;
    told::corrected(tx, origin, meter, earlier, (reading, false), billed).await
}

/// The next readings that are judged together, with what stands around them.
async fn next_chunk<'a>(
    tx: &mut Transaction<'_>,
    register: &Register,
    rest: &'a [Item],
) -> Result<Option<(&'a [Item], Surroundings)>, Problem> {
    let Some(first) = rest.first() else { return Ok(None) };
    let (id, from) = (register.id, first.reading.at);
    let mut size = rest.len().min(CHUNK_MAX);
    let (chunk, to, known) = loop {
        let chunk = &rest[..size];
        let to = chunk.last().map_or(from, |last| last.reading.at);
        let known = store::reading::between(tx, id, from, to, rows(KNOWN_MAX + 1)).await?;
        // At one instant there is one reading at most.
        if known.len() <= KNOWN_MAX || size == 1 {
            break (chunk, to, known);
        }
        size /= 2;
    };
    let around = Surroundings {
        recent: store::reading::before(tx, id, from, rows(RECENT_MAX)).await?.into(),
        known: known.into(),
        after: store::reading::after(tx, id, to).await?,
        beyond: register.beyond(),
    };
    Ok(Some((chunk, around)))
}

fn rows(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn held_view(index: usize, reading: &Reading) -> Option<HeldView> {
    let Reading { id, register_id, at, suspicion, .. } = reading;
    Some(HeldView {
        index,
        reading_id: *id,
        register_id: *register_id,
        at: *at,
        code: "suspect_reading",
        suspicion: (*suspicion)?,
    })
}
