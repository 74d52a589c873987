//! What can go wrong with documents.
use std::io;

use busbar_http::problem::kinds;
use busbar_http::{Problem, problems};

use crate::types::Refused;

use super::content::Unreceived;
use super::links::Unsound;
use super::media::Mismatch;

problems! {
    MULTIPART_INVALID => 400 "multipart_invalid" "the body is no multipart/form-data";
    BODY_INCOMPLETE => 400 "body_incomplete" "the body broke off";
    LINK_INVALID => 403 "link_invalid" "the link is not as it was made";
    DOCUMENT_NOT_DELETABLE => 403 "document_not_deletable" "invoices and receipts are kept";
    DOCUMENT_NOT_FOUND => 404 "document_not_found" "there is no such document";
    LINK_EXPIRED => 410 "link_expired" "the link has expired";
    DIGEST_MISMATCH => 422 "digest_mismatch" "what came is not what was announced";
    MEDIA_TYPE_MISMATCH => 422 "media_type_mismatch" "the content is something else than it is said to be";
    EVENT_UNREADABLE => 422 "event_unreadable" "the event's data are not what its type says";
    STORAGE_BUSY => 503 "storage_busy" "the content could not be put in place in time";
    STORAGE_UNAVAILABLE => 503 "storage_unavailable" "contents cannot be written or read at the moment";
    STORAGE_FULL => 507 "storage_full" "there is no room left for documents";
}

/// What a client is told to wait, in seconds.
const RETRY_AFTER_S: u64 = 5;

impl From<Unsound> for Problem {
    fn from(unsound: Unsound) -> Problem {
        match unsound {
            Unsound::Invalid => LINK_INVALID.problem(),
            Unsound::Expired => LINK_EXPIRED.problem(),
        }
    }
}

impl From<Mismatch> for Problem {
    fn from(Mismatch { declared, found }: Mismatch) -> Problem {
        let problem = MEDIA_TYPE_MISMATCH.problem().with("declared", declared);
        match found {
            Some(found) => problem.with("found", found),
            None => problem,
        }
    }
}

/// Why an upload was not taken, when it may have up to so many bytes.
pub(super) fn unreceived(why: Unreceived, bytes_max: u64) -> Problem {
    match why {
        Unreceived::TooLarge => kinds::BODY_TOO_LARGE.problem().with("bytes_max", bytes_max),
        Unreceived::Disk(error) => of_disk(&error),
    }
}

/// A disk that is full is told apart from one that is broken: somebody else has to act.
pub(super) fn of_disk(error: &io::Error) -> Problem {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    let kind = match error.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => STORAGE_FULL,
        _ => STORAGE_UNAVAILABLE,
    };
    kind.problem().retry_after(RETRY_AFTER_S).cause(error)
}

pub(super) fn busy() -> Problem {
    STORAGE_BUSY.problem().retry_after(RETRY_AFTER_S)
}

/// A wrong value of a field of an upload.
pub(super) fn refused(pointer: &str, refused: &Refused) -> Problem {
    Problem::field(pointer, refused.code(), refused.detail().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_apart_from_a_broken_one() {
        let told = |kind: io::ErrorKind| of_disk(&io::Error::from(kind)).status().as_u16();
        assert_eq!(told(io::ErrorKind::StorageFull), 507);
        assert_eq!(told(io::ErrorKind::FileTooLarge), 507);
        assert_eq!(told(io::ErrorKind::PermissionDenied), 503);
        assert_eq!((busy().status().as_u16(), busy().code()), (503, "storage_busy"));
    }
}
