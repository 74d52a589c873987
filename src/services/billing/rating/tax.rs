//! Taxes: the share of all lines that name one, rounded once, and given back to these lines by
//! largest remainder, so that what the lines say adds up to it.
use crate::services::billing::model::trace::TaxTrace;
use crate::types::{Amount, Money, split};

use super::Refusal;
use super::charge::Item;

/// The part of a tax that is on one line.
#[derive(Clone, Debug)]
pub(super) struct TaxShare {
    pub(super) own: Amount,
    /// Of all lines of the tax.
    pub(super) trace: TaxTrace,
}

/// For each item its share, if it is taxed. A tax whose rate changes within the period is two.
pub(super) fn shares(items: &[Item]) -> Result<Vec<Option<TaxShare>>, Refusal> {
    let mut shares = vec![None; items.len()];
    for (index, item) in items.iter().enumerate() {
        let Some(tax) = &item.tax else { continue };
        if shares[index].is_some() {
            continue;
        }
        let taxed = |(_, other): &(usize, &Item)| other.tax.as_ref() == Some(tax);
        let taxed: Vec<(usize, &Item)> = items.iter().enumerate().filter(taxed).collect();
        let amounts = taxed.iter().map(|(_, item)| item.amount);
        let taxable = Money::sum(amounts.clone(), item.amount.currency())?;
        let whole = tax.rate().of(taxable)?;
        let weights: Vec<u64> = amounts.map(|amount| amount.minor().unsigned_abs()).collect();
        // Nothing taxable is nothing to share out.
        let own = split(whole.minor(), &weights).unwrap_or_else(|| vec![0; weights.len()]);
        for ((place, _), own) in taxed.iter().zip(own) {
            let trace = TaxTrace {
                code: tax.code.clone(),
                rate_bps: tax.rate_bps,
                taxable_minor: taxable.amount(),
                tax_minor: whole.amount(),
            };
            shares[*place] = Some(TaxShare { own: Amount::new(own)?, trace });
        }
    }
    Ok(shares)
}
