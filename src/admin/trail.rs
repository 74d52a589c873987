//! Who commanded what, when, and what came of it: lines that are only added, one file a month, on the
//! disk before a command is carried out.
//!
//! When the disk does not take one, the command is carried out all the same, and the log has the line:
//! whoever frees a full disk may have to restart something.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web::block;
use serde_json::{Value, json};

use crate::types::Timestamp;

use super::door::Operator;
use super::operations::OperationId;

/// See the module.
pub(super) struct Trail {
    folder: PathBuf,
    /// One line at a time.
    writing: Arc<Mutex<()>>,
}

/// A command as it is put on record.
#[derive(Clone)]
pub(super) struct Entry {
    operator: Operator,
    command: &'static str,
    subject: Option<String>,
    operation: Option<OperationId>,
    details: Value,
}

impl Entry {
    pub(super) fn new(operator: Operator, command: &'static str) -> Entry {
        Entry { operator, command, subject: None, operation: None, details: Value::Null }
    }

    /// What it is done to.
    pub(super) fn subject(self, subject: &str) -> Entry {
        Entry { subject: Some(subject.to_owned()), ..self }
    }

    pub(super) fn operation(self, id: OperationId) -> Entry {
        Entry { operation: Some(id), ..self }
    }

    pub(super) fn details(self, details: Value) -> Entry {
        Entry { details, ..self }
    }

    fn line(&self, outcome: &str, at: Timestamp) -> String {
        let Entry { operator, command, subject, operation, details } = self;
        json!({
            "at": at,
            "by": operator.by,
            "from": operator.from,
            "agent": operator.agent,
            "command": command,
            "subject": subject,
            "operation": operation,
            "details": details,
            "outcome": outcome,
        })
        .to_string()
    }
}

impl Trail {
    pub(super) fn new(folder: PathBuf) -> Trail {
        Trail { folder, writing: Arc::default() }
    }

    /// Puts it on record: `outcome` is `asked`, `done`, or `failed` and why.
    pub(super) async fn note(&self, entry: &Entry, outcome: &str, at: Timestamp) {
        let line = entry.line(outcome, at);
        let month: String = at.to_string().chars().take("2026-11".len()).collect();
        let path = self.folder.join(format!("admin-{month}.jsonl"));
        let (writing, written) = (self.writing.clone(), line.clone());
        let write = block(move || {
            let _one = writing.lock().unwrap_or_else(PoisonError::into_inner);
            append(&path, &written)
        });
        let failed = match write.await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        log::error!("the audit trail could not be written ({failed}): {line}");
    }
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_data()
}
