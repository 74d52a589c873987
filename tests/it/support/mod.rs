//! What the integration tests stand on: the real program, real databases, people who use it.

pub(crate) mod bare;
pub(crate) mod caretaker;
pub(crate) mod engine;
pub(crate) mod folder;
mod inside;
pub(crate) mod launch;
pub(crate) mod orders;
pub(crate) mod person;
pub(crate) mod pgbouncer;
pub(crate) mod postgres;
pub(crate) mod python;
pub(crate) mod system;
pub(crate) mod wire;

#[allow(unused_imports, reason = "what most tests need, in one line")]
pub(crate) use self::{
    engine::{Engine, MONEY, both_engines},
    person::{Answer, Person},
    system::TestSystem,
};
