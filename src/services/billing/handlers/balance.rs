//! What is owed, for those who keep the books.
use actix_web::web::Data;
use busbar_http::{Found, Problem, Query, ServiceCaller};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::UserId;

use super::super::Billing;
use super::super::model::reservation::Balance;
use super::super::store;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BalanceQuery {
    user_id: Option<UserId>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Balances {
    /// Whose; of all people together, if it is not said.
    user_id: Option<UserId>,
    balances: Vec<Balance>,
}

/// `GET /internal/balances`: open balances by currency.
pub(crate) async fn show(
    billing: Data<Billing>,
    _: ServiceCaller,
    Query(query): Query<BalanceQuery>,
) -> Result<Found<Balances>, Problem> {
    let user_id = query.user_id;
    let balances = store::list::balances(&billing.database, user_id).await?;
    Ok(Found(Balances { user_id, balances }))
}
