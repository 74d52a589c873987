//! The requests that a server works on at this moment, for whoever looks after it: no path, no body,
//! nobody's name.
//!
//! Each worker thread has a desk of its own, so that at its lock only those meet who look.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use actix_web::HttpMessage;
use actix_web::http::Method;

use crate::guard::RoutePattern;
use crate::trace::RequestId;

/// The desks of one service, over all its incarnations. Clones share them.
#[derive(Clone, Default)]
pub struct Underway(Arc<Mutex<Vec<Weak<Desk>>>>);

/// A request that has no answer yet.
#[derive(Clone, Debug)]
pub struct Working {
    /// Whose incarnation works on it.
    pub generation: u64,
    pub method: Method,
    /// `None` until it is known.
    pub route: Option<Arc<str>>,
    pub request_id: RequestId,
    pub age: Duration,
}

/// The requests of one worker thread; gone with it.
pub(crate) struct Desk {
    generation: u64,
    seats: Mutex<Seats>,
}

#[derive(Default)]
struct Seats {
    all: Vec<Option<Seat>>,
    free: Vec<usize>,
}

struct Seat {
    method: Method,
    route: Option<Arc<str>>,
    request_id: RequestId,
    since: Instant,
}

/// Listed as long as it is held.
pub(crate) struct Place {
    desk: Arc<Desk>,
    seat: usize,
}

/// In a request's extensions: where it is listed.
struct Listed {
    desk: Arc<Desk>,
    seat: usize,
}

impl Underway {
    /// For the thread of a worker.
    pub(crate) fn desk(&self, generation: u64) -> Arc<Desk> {
        let desk = Arc::new(Desk { generation, seats: Mutex::default() });
        let mut desks = self.desks();
        desks.retain(|desk| desk.strong_count() > 0);
        desks.push(Arc::downgrade(&desk));
        desk
    }

    /// All of them, in no order.
    pub fn list(&self) -> Vec<Working> {
        let desks: Vec<_> = self.desks().iter().filter_map(Weak::upgrade).collect();
        desks.iter().flat_map(|desk| desk.list()).collect()
    }

    fn desks(&self) -> MutexGuard<'_, Vec<Weak<Desk>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// Lists a request, which is told where.
    pub(crate) fn seat(
        self: &Arc<Desk>,
        request: &impl HttpMessage,
        method: &Method,
        request_id: &RequestId,
        since: Instant,
    ) -> Place {
        let (method, request_id) = (method.clone(), request_id.clone());
        let taken = Some(Seat { method, route: None, request_id, since });
        let mut seats = self.seats();
        let seat = seats.free.pop().unwrap_or(seats.all.len());
        match seats.all.get_mut(seat) {
            Some(free) => *free = taken,
            None => seats.all.push(taken),
        }
        drop(seats);
        request.extensions_mut().insert(Listed { desk: self.clone(), seat });
        Place { desk: self.clone(), seat }
    }

    fn list(&self) -> Vec<Working> {
        let seats = self.seats();
        let working = |seat: &Seat| Working {
            generation: self.generation,
            method: seat.method.clone(),
            route: seat.route.clone(),
            request_id: seat.request_id.clone(),
            age: seat.since.elapsed(),
        };
        seats.all.iter().flatten().map(working).collect()
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RoutePattern {
    /// This is the route that a request has taken.
    pub fn note(self, request: &impl HttpMessage) {
        let mut extensions = request.extensions_mut();
        if let Some(Listed { desk, seat }) = extensions.get()
            && let Some(Some(listed)) = desk.seats().all.get_mut(*seat)
        {
            listed.route = Some(self.0.clone());
        }
        extensions.insert(self);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut seats = self.desk.seats();
        if let Some(seat) = seats.all.get_mut(self.seat) {
            *seat = None;
            seats.free.push(self.seat);
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn routes(underway: &Underway) -> Vec<Option<String>> {
        let route = |it: Working| it.route.map(|route| route.to_string());
        let mut routes: Vec<_> = underway.list().into_iter().map(route).collect();
        routes.sort();
        routes
    }

    #[test]
    fn requests_are_listed_while_they_are_worked_on() {
        let underway = Underway::default();
        let (one, two) = (underway.desk(1), underway.desk(2));
        let requests = [(); 3].map(|()| TestRequest::get().to_http_request());
        let id = RequestId::made();
        let seat = |desk: &Arc<Desk>, index: usize| {
            desk.seat(&requests[index], &Method::GET, &id, Instant::now())
        };
        let (first, second, third) = (seat(&one, 0), seat(&one, 1), seat(&two, 2));
        assert_eq!(routes(&underway), [None, None, None]);

        RoutePattern("/bills/{id}".into()).note(&requests[1]);
        drop(first);
        assert_eq!(routes(&underway), [None, Some("/bills/{id}".into())]);
        drop(third);
        drop(two);
        // The seat is taken again, and nothing is left of who had it.
        drop(second);
        let _again = seat(&one, 0);
        assert_eq!(routes(&underway), [None]);
        assert_eq!(underway.list()[0].generation, 1);
    }
}
