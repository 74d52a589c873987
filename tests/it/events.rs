//! Events, jobs and requests: what is promised between services, on both engines, and through a
//! real HTTP server where that matters.

mod house;
mod inbox;
mod jobs;
mod lanes;
mod outbox;
mod relay;
mod requests;
mod stage;
mod worker;
