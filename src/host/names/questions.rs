//! Questions for addresses, one at a time for each name: the system's own resolver may take longer than
//! we wait, and cannot be told to stop.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use actix_rt::task::JoinHandle;
use busbar_http::client::outside::Names;
use tokio::time::timeout;

/// How long an answer is waited for.
const ANSWER_MAX: Duration = Duration::from_secs(2);

type Answer = io::Result<Vec<IpAddr>>;

/// The questions that nobody has answered yet, by name.
#[derive(Default)]
pub(super) struct Questions(RefCell<BTreeMap<String, JoinHandle<Answer>>>);

impl Questions {
    /// Asks, or waits on for the answer to an earlier question.
    pub(super) async fn ask(&self, names: &Names, name: &str) -> Answer {
        let earlier = self.0.borrow_mut().remove(name);
        let mut question = earlier.unwrap_or_else(|| {
            let (names, name) = (names.clone(), name.to_owned());
            actix_rt::spawn(async move { names.look_up(&name).await })
        });
        match timeout(ANSWER_MAX, &mut question).await {
            Ok(answer) => answer.unwrap_or_else(|ended| Err(io::Error::other(ended))),
            Err(_) => {
                self.0.borrow_mut().insert(name.to_owned(), question);
                let ms = ANSWER_MAX.as_millis();
                Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer in {ms} ms")))
            }
        }
    }
}
