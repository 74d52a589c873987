//! Lanes: what takes long in one keeps nothing waiting in another.

use std::cell::RefCell;
use std::rc::Rc;

use busbar::jobs::{Handlers, Lane};
use busbar_http::Problem;

use super::jobs::{KIND, enqueue, job, state};
use super::stage::{Stage, eventually, on_both};
use super::worker::worker;

const SLOW: Lane = Lane::own(1);
/// More than all places together.
const MANY: usize = 12;

on_both! {
    /// Jobs that come to no end hold the places of their lane and no other; those behind them in it
    /// wait, whatever is done beside.
    async fn a_lane_holds_no_place_of_another(stage: Stage) {
        let begun = Rc::new(RefCell::new(Vec::new()));
        let seen = begun.clone();
        let handlers = Handlers::new().lane(SLOW, 2).on(KIND, move |job| {
            seen.borrow_mut().push(job.key.clone());
            async move {
                match job.lane {
                    SLOW => std::future::pending().await,
                    _ => Ok::<(), Problem>(()),
                }
            }
        });
        for key in 0..MANY {
            enqueue(&stage, &job(&format!("slow-{key}")).in_lane(SLOW)).await;
        }
        let _working = worker(&stage, handlers);
        let slow = || begun.borrow().iter().filter(|key| key.starts_with("slow")).count();
        eventually("its places are taken", async || slow() == 2).await;
        for key in 0..MANY {
            let id = enqueue(&stage, &job(&key.to_string())).await.unwrap();
            eventually("it is done", async || state(&stage, id).await == "done").await;
        }
        assert_eq!(slow(), 2);
    }
}
