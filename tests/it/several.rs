//! Two instances of each service on one PostgreSQL database, each in a process with a data directory of
//! its own, and a gateway before them: what must be done once is done once, whoever does it.

mod agreed;
mod books;
mod house;
mod leases;
