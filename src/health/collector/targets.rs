//! Whom the collector watches now: it may change while it watches.

use std::time::Instant;

use actix::{AsyncContext, Context, StreamHandler};
use busbar_actors::ServiceRecord;
use busbar_http::client::{Upstream, thread_codec};
use futures_util::stream::unfold;

use super::HealthCollector;
use crate::health::target::Target;

/// Others are to be watched.
struct Moved;

impl HealthCollector {
    /// Takes up whom to watch: who stays is known as before, and who has gone is not asked again.
    pub(super) fn take_up(&mut self, ctx: &mut Context<Self>) {
        let (codec, now) = (thread_codec(), Instant::now());
        let listed = self.watched.borrow_and_update().clone();
        let mut earlier = std::mem::take(&mut self.targets);
        let mut new = Vec::new();
        let is_first = self.known == 0;
        for watched in listed {
            let same = earlier.iter().position(|known| known.watched.is_same(&watched));
            let target = same.map(|place| earlier.swap_remove(place)).unwrap_or_else(|| {
                self.known += 1;
                new.push(self.known);
                let upstream = Upstream::open(watched.instance.clone(), &codec);
                let target = Target::new(self.known, watched, upstream, now);
                if is_first { target } else { target.newcomer() }
            });
            self.targets.push(target);
        }
        self.publish();
        new.into_iter().for_each(|id| self.watch(id, ctx));
    }

    /// `None`: it is not watched any more.
    pub(super) fn target(&mut self, id: u64) -> Option<&mut Target> {
        self.targets.iter_mut().find(|target| target.id == id)
    }

    /// The supervisor's record of a target that is hosted here.
    pub(super) fn record(&self, id: u64) -> Option<ServiceRecord> {
        let watched = &self.targets.iter().find(|target| target.id == id)?.watched;
        watched.hosted.as_ref()?;
        self.registry.get(watched.service.as_str())
    }

    /// Has what is to be watched taken up at each change.
    pub(super) fn follow(&self, ctx: &mut Context<Self>) {
        let moves = unfold(self.watched.clone(), async |mut watched| {
            watched.changed().await.ok().map(|()| (Moved, watched))
        });
        ctx.add_stream(Box::pin(moves));
    }
}

impl StreamHandler<Moved> for HealthCollector {
    fn handle(&mut self, _: Moved, ctx: &mut Context<Self>) {
        self.take_up(ctx);
    }

    /// Nobody moves any more.
    fn finished(&mut self, _: &mut Context<Self>) {}
}
