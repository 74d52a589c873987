//! Webhooks: signed, retried, kept from private networks.
