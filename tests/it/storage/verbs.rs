//! What is written is read back, and each fault has its kind.

use busbar::storage::{OnUnique, Statement, StoreError, params};

use super::{
    ALL, Account, BY_ID, Balance, Bench, CLOSE, COUNT, ENTER, Engine, INSERT, PATIENCE, TOTAL,
    account, add, insert, opened,
};

#[derive(Debug)]
enum Refusal {
    EmailTaken,
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Refusal::Store(error)
    }
}

/// Reads one column of each kind wrongly.
#[derive(Debug)]
struct Wrong;

impl busbar::storage::FromRow for Wrong {
    fn from_row(row: &busbar::storage::Row<'_>) -> Result<Self, StoreError> {
        row.get::<bool>("email").map(|_| Wrong)
    }
}

on_each_engine! {
    /// Texts, numbers, flags, empty fields and fields of two columns come back as they were.
    async fn what_is_written_is_read_back(engine: Engine) {
        let bench = Bench::new(engine).await;
        let alice = Account {
            balance: Balance(i64::MAX, "USD".into()),
            rate: Some(0.1),
            note: Some("it's $1 \u{1f4a1} \\ \n\"".into()),
            ..account("alice", 0)
        };
        let bob = Account { active: false, rate: Some(-1e300), ..account("bob", 7) };
        bench.add_accounts(&[alice.clone(), bob.clone()]).await;

        let all: Vec<Account> = bench.database.all(ALL, params![None::<&str>, 10]).await.unwrap();
        assert_eq!(all, [alice.clone(), bob.clone()]);
        let after: Vec<Account> = bench.database.all(ALL, params!["alice", 10]).await.unwrap();
        assert_eq!(after, [bob]);
        let one: Account = bench.database.one(BY_ID, params!["alice"]).await.unwrap();
        assert_eq!(one, alice);
        let none = bench.database.optional::<Account>(BY_ID, params!["carol"]).await.unwrap();
        assert_eq!(none, None);
        bench.database.ping(PATIENCE).await.unwrap();
    }

    /// `execute` tells how many rows it changed; a transaction sees what it has written.
    async fn row_counts_answer_for_guards(engine: Engine) {
        let bench = Bench::new(engine).await;
        bench.add_accounts(&[account("alice", 5)]).await;
        let counts = bench.database.transaction(async |tx| {
            let first = tx.execute(CLOSE, params!["alice"]).await?;
            let second = tx.execute(CLOSE, params!["alice"]).await?;
            let alice = add(tx, "alice", 3).await?;
            let (total,): (i64,) = tx.one(TOTAL, params![]).await?;
            Ok::<_, StoreError>((first, second, alice.active, total))
        });
        assert_eq!(counts.await.unwrap(), (1, 0, false, 8));
    }

    /// A failed body leaves nothing behind, and neither does one that panics.
    async fn an_error_or_a_panic_rolls_back(engine: Engine) {
        let bench = Bench::new(engine).await;
        let failed = bench.database.transaction(async |tx| {
            insert(tx, &account("alice", 1)).await?;
            Err::<(), _>(Refusal::EmailTaken)
        });
        assert!(matches!(failed.await, Err(Refusal::EmailTaken)));
        assert_eq!(bench.count().await, 0);

        let database = bench.database.clone();
        let panicked = actix_rt::spawn(async move {
            let panicking = database.transaction(async |tx| {
                insert(tx, &account("alice", 1)).await?;
                assert!(tx.execute(INSERT, &[]).await.is_ok(), "a panic on purpose");
                Ok::<_, StoreError>(())
            });
            panicking.await
        });
        assert!(panicked.await.unwrap_err().is_panic());
        bench.add_accounts(&[account("bob", 1)]).await;
        assert_eq!(bench.count().await, 1);
    }

    /// The kinds of refusal are told apart alike, each with the statement's name.
    async fn each_fault_has_its_kind(engine: Engine) {
        let bench = Bench::new(engine).await;
        bench.add_accounts(&[account("alice", 1)]).await;
        let fault = async |statement: Statement, values: &[busbar::storage::Value<'_>]| {
            let run = bench.database.transaction(async |tx| tx.execute(statement, values).await);
            run.await.unwrap_err()
        };

        let twice = params!["new", "alice@example.org", 1, "USD", true, None::<f64>, None::<&str>];
        let unique = fault(INSERT, twice).await;
        assert!(matches!(&unique, StoreError::Unique { constraint, .. } if constraint.contains("email")));
        assert!(unique.to_string().starts_with("it::storage::INSERT: "), "{unique}");
        let foreign = fault(ENTER, params!["e", "nobody", "s"]).await;
        assert!(matches!(foreign, StoreError::ForeignKey { .. }), "{foreign}");
        let poor = params!["poor", "poor@example.org", -1, "USD", true, None::<f64>, None::<&str>];
        let check = fault(INSERT, poor).await;
        assert!(matches!(check, StoreError::Check { .. }), "{check}");
        let missing = fault(ENTER, params!["e", "alice"]).await.to_string();
        assert!(missing.contains("3 placeholders, 2 values"), "{missing}");

        let none = bench.database.one::<Account>(BY_ID, params!["bob"]).await.unwrap_err();
        assert!(matches!(none, StoreError::NoRow { statement: "it::storage::BY_ID" }));
        let kind = bench.database.one::<Wrong>(BY_ID, params!["alice"]).await.unwrap_err();
        assert_eq!(
            kind.to_string(),
            "it::storage::BY_ID: column email: a text of 17 bytes is no bool"
        );
        let column = bench.database.one::<Account>(COUNT, params![]).await.unwrap_err();
        assert!(matches!(&column, StoreError::Column { column, .. } if column == "id"), "{column}");
    }

    /// A taken key becomes the caller's own refusal; other faults stay what they are.
    async fn on_unique_speaks_for_the_caller(engine: Engine) {
        let bench = Bench::new(engine).await;
        bench.add_accounts(&[account("alice", 1)]).await;
        let taken = bench.database.transaction(async |tx| {
            insert(tx, &account("alice", 1)).await.on_unique(|| Refusal::EmailTaken)
        });
        assert!(matches!(taken.await, Err(Refusal::EmailTaken)));
        let check = bench.database.transaction(async |tx| {
            insert(tx, &account("bob", -1)).await.on_unique(|| Refusal::EmailTaken)
        });
        assert!(matches!(check.await, Err(Refusal::Store(StoreError::Check { .. }))));
    }

    /// Going on after a failed statement is an error, never a commit of what is left.
    async fn a_swallowed_failure_does_not_commit(engine: Engine) {
        let bench = Bench::new(engine).await;
        bench.add_accounts(&[account("alice", 1)]).await;
        let swallowed = bench.database.transaction(async |tx| {
            insert(tx, &account("bob", 1)).await?;
            let _ = insert(tx, &account("alice", 1)).await;
            let _ = tx.execute(CLOSE, params!["bob"]).await;
            Ok::<_, StoreError>(())
        });
        let error = swallowed.await.unwrap_err();
        assert!(
            matches!(error, StoreError::Swallowed { statement: "it::storage::INSERT" }),
            "the first failure is named: {error}"
        );
        assert_eq!(bench.count().await, 1);
    }

    /// An absent row is no failure of the transaction: the body may go on.
    async fn an_absent_row_does_not_break_the_transaction(engine: Engine) {
        let bench = Bench::new(engine).await;
        let done = bench.database.transaction(async |tx| {
            let absent = tx.one::<Account>(BY_ID, params!["alice"]).await;
            assert!(matches!(absent, Err(StoreError::NoRow { .. })));
            insert(tx, &account("alice", 1)).await
        });
        assert_eq!(done.await.unwrap(), 1);
    }

    /// Who waits for commits hears of each, from whichever opening of the database, and of no
    /// rollback.
    async fn commits_are_announced(engine: Engine) {
        let bench = Bench::new(engine).await;
        let next = opened(&bench.target, &bench.settings).await;
        let mut commits = next.commits();
        commits.mark_unchanged();
        let failed =
            bench.database.transaction(async |_| Err::<(), _>(Refusal::EmailTaken)).await;
        assert!(failed.is_err() && !commits.has_changed().unwrap());
        bench.add_accounts(&[account("alice", 1)]).await;
        assert!(commits.has_changed().unwrap());
    }
}
