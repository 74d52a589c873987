//! Looking after a process that runs: what is seen at its admin port, and what it can be told.

mod children;
mod commands;
mod door;
mod exits;
mod gateway;
mod intensity;
mod letters;
mod order;
mod reload;
mod requests;
mod tree;
