//! What a client is told when storage fails: nothing of the inside, but whether to come again.

use busbar_http::{Problem, problems};

use crate::storage::StoreError;

const RETRY_AFTER_S: u64 = 1;

problems! {
    DATABASE_UNAVAILABLE => 503 "database_unavailable" "the database cannot be reached";
    DB_POOL_TIMEOUT => 503 "db_pool_timeout" "every database connection is in use";
    DATABASE_BUSY => 503 "database_busy" "the database is too busy for this request";
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        let kind = match &error {
            unavailable if unavailable.is_unavailable() => DATABASE_UNAVAILABLE,
            StoreError::PoolTimeout => DB_POOL_TIMEOUT,
            StoreError::Conflict { .. } | StoreError::TooSlow { .. } => DATABASE_BUSY,
            _ => return Problem::internal(error),
        };
        kind.problem().retry_after(RETRY_AFTER_S).cause(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_says_so_and_nothing_of_the_inside() {
        let unavailable = StoreError::Unavailable { what: "postgres at 10.0.0.7".into() };
        let problem = Problem::from(unavailable);
        assert_eq!((problem.status().as_u16(), problem.code()), (503, "database_unavailable"));
        assert!(!problem.body(None).to_string().contains("10.0.0.7"));
        let refused = StoreError::Refused { what: "53100 no room in base/16384".into() };
        let problem = Problem::from(refused);
        assert_eq!((problem.status().as_u16(), problem.code()), (503, "database_unavailable"));
        assert!(!problem.body(None).to_string().contains("base/16384"));

        assert_eq!(Problem::from(StoreError::PoolTimeout).code(), "db_pool_timeout");
        let broken = StoreError::NoRow { statement: "billing::BY_ID" };
        assert_eq!(Problem::from(broken).status().as_u16(), 500);
    }
}
