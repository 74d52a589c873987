//! Documents: upload, download, links, invoices and receipts.
