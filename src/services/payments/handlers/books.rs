//! The ledger and the simulated bank's books, for staff.

use actix_web::web::Data;
use busbar_http::{Caller, Found, Listed, Path, Problem, Query};

use crate::services::payments::Payments;
use crate::services::payments::ledger::is_balanced;
use crate::services::payments::model::books::{
    AccountBalances, AccountFilter, AccountView, TransferFilter, TransferView, TrialBalance,
    TrialFilter,
};
use crate::services::payments::model::charge::{SimChargeView, SimFilter};
use crate::services::payments::problem::{ACCOUNT_NOT_FOUND, TRANSFER_NOT_FOUND};
use crate::services::payments::store::{bank, ledger};
use crate::types::TransferId;

/// `GET /ledger/accounts`
pub(crate) async fn accounts(
    payments: Data<Payments>,
    caller: Caller,
    Query(filter): Query<AccountFilter>,
) -> Result<Listed<AccountView>, Problem> {
    caller.require_staff()?;
    let accounts = ledger::accounts(&payments.database, &filter).await?;
    let views = accounts.into_iter().map(AccountView::from).collect();
    Ok(Listed::page(views, filter.limit.rows(), AccountView::cursor))
}

/// `GET /ledger/accounts/{code}`
pub(crate) async fn account(
    payments: Data<Payments>,
    caller: Caller,
    Path(code): Path<String>,
) -> Result<Found<AccountBalances>, Problem> {
    caller.require_staff()?;
    let accounts = ledger::account(&payments.database, &code).await?;
    if accounts.is_empty() {
        return Err(ACCOUNT_NOT_FOUND.problem());
    }
    let balances = accounts.into_iter().map(AccountView::from).collect();
    Ok(Found(AccountBalances { code, balances }))
}

/// `GET /ledger/transactions`
pub(crate) async fn transactions(
    payments: Data<Payments>,
    caller: Caller,
    Query(filter): Query<TransferFilter>,
) -> Result<Listed<TransferView>, Problem> {
    caller.require_staff()?;
    let transfers = ledger::transfers(&payments.database, &filter).await?;
    let views = transfers.into_iter().map(TransferView::summary).collect();
    Ok(Listed::page(views, filter.limit.rows(), TransferView::cursor))
}

/// `GET /ledger/transactions/{id}`: with its entries.
pub(crate) async fn transaction(
    payments: Data<Payments>,
    caller: Caller,
    Path(id): Path<TransferId>,
) -> Result<Found<TransferView>, Problem> {
    caller.require_staff()?;
    let transfer = ledger::transfer(&payments.database, id).await?;
    let transfer = transfer.ok_or(TRANSFER_NOT_FOUND)?;
    let entries = ledger::entries(&payments.database, id).await?;
    if !is_balanced(entries.iter().map(|entry| entry.amount_minor)) {
        return Err(Problem::internal(format!("transfer {id} does not sum to zero")));
    }
    Ok(Found(TransferView::whole(transfer, entries)))
}

/// `GET /ledger/trial-balance?currency=`
pub(crate) async fn trial_balance(
    payments: Data<Payments>,
    caller: Caller,
    Query(TrialFilter { currency }): Query<TrialFilter>,
) -> Result<Found<TrialBalance>, Problem> {
    caller.require_staff()?;
    let sums = ledger::trial_balance(&payments.database, currency).await?;
    let balance = TrialBalance::new(currency, sums);
    if !balance.is_balanced {
        log::error!("the ledger is out of balance in {currency}: {sums:?}");
    }
    Ok(Found(balance))
}

/// `GET /sim/charges?reference=`: what the simulated bank has seen of a payment.
pub(crate) async fn sim_charges(
    payments: Data<Payments>,
    caller: Caller,
    Query(SimFilter { reference }): Query<SimFilter>,
) -> Result<Listed<SimChargeView>, Problem> {
    caller.require_staff()?;
    let now = payments.clock.now();
    let charges = bank::by_reference(&payments.database, reference).await?;
    let data = charges.into_iter().map(|charge| charge.shown(now)).collect();
    Ok(Listed { data, next_cursor: None, has_more: false })
}
