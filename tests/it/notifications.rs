//! Notices: mail and inbox, once for each event.
