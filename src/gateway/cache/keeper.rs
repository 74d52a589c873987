//! Copies an answer while it goes to its client, and puts it on the shelf when it has come whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use bytes::{Bytes, BytesMut};

use crate::types::Timestamp;

use super::Cache;
use super::ask::Ask;
use super::entry::{Entry, dated};
use super::flights::Lead;
use super::storable::Facts;
use super::vary::Selecting;

/// Dropped before the end of the answer it keeps nothing, and whoever waits is told so.
pub(in crate::gateway) struct Keeper {
    cache: Arc<Cache>,
    plan: Plan,
    copied: BytesMut,
    is_given_up: bool,
    lead: Option<Lead>,
}

/// What an entry is made of besides its body.
pub(super) struct Plan {
    pub(super) ask: Ask,
    /// The request, for what the answer depends on.
    pub(super) request: HttpRequest,
    pub(super) status: StatusCode,
    pub(super) fields: Vec<(HeaderName, HeaderValue)>,
    pub(super) use_of_it: (Facts, Selecting),
    pub(super) stamp: u64,
}

impl Keeper {
    pub(super) fn new(cache: Arc<Cache>, plan: Plan, lead: Option<Lead>) -> Keeper {
        if let Some(lead) = &lead {
            lead.is_coming();
        }
        Keeper { cache, plan, copied: BytesMut::new(), is_given_up: false, lead }
    }

    /// A piece of the body that has come.
    pub(in crate::gateway) fn piece(&mut self, piece: &Bytes) {
        if self.is_given_up {
            return;
        }
        let length = self.copied.len() + piece.len();
        if length > self.cache.entry_bytes_max() || !self.cache.copying.take(piece.len()) {
            self.give_up();
            return;
        }
        self.copied.extend_from_slice(piece);
    }

    /// The body has come whole.
    pub(in crate::gateway) fn whole(mut self) {
        let announced = self.plan.fields.iter().find(|(name, _)| *name == CONTENT_LENGTH);
        let announced = announced.map(|(_, length)| length.to_str().ok()?.parse::<usize>().ok());
        // A status without a body, such as 204, may announce none.
        let is_whole = announced.is_none_or(|length| length == Some(self.copied.len()));
        if self.is_given_up || !is_whole {
            self.give_up();
            return;
        }
        let copied = std::mem::take(&mut self.copied);
        self.cache.copying.give_back(copied.len());
        let Plan { ask, request, status, fields, use_of_it, stamp } = &self.plan;
        let fields = dated(fields.clone(), use_of_it.0.arrived);
        // Copied once more into a piece of memory of its own size.
        let body = Bytes::copy_from_slice(&copied);
        let entry = Entry::new(*status, fields, body, use_of_it.clone(), *stamp);
        let is_kept = self.cache.put(ask, request.headers(), Arc::new(entry));
        match self.lead.take() {
            Some(lead) if is_kept => lead.kept(),
            Some(lead) => lead.not_kept(self.now()),
            None => {}
        }
    }

    fn give_up(&mut self) {
        self.is_given_up = true;
        self.forget();
        if let Some(lead) = self.lead.take() {
            lead.not_kept(self.now());
        }
    }

    fn forget(&mut self) {
        let copied = std::mem::take(&mut self.copied);
        self.cache.copying.give_back(copied.len());
    }

    fn now(&self) -> Timestamp {
        self.cache.now()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.forget();
    }
}

/// What all keepers have copied and not put anywhere yet, in bytes: bounded as the shelf is.
pub(super) struct Copying {
    bytes: AtomicUsize,
    bytes_max: AtomicUsize,
}

impl Copying {
    pub(super) fn new(bytes_max: usize) -> Copying {
        Copying { bytes: AtomicUsize::new(0), bytes_max: AtomicUsize::new(bytes_max) }
    }

    pub(super) fn resize(&self, bytes_max: usize) {
        self.bytes_max.store(bytes_max, Relaxed);
    }

    fn take(&self, bytes: usize) -> bool {
        let max = self.bytes_max.load(Relaxed);
        let within = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= max);
        self.bytes.fetch_update(Relaxed, Relaxed, within).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Relaxed);
    }
}
