//! How much memory a directory takes: what its parts ask the allocator for, added up. What the allocator itself needs on top
//! is not known here; `docs/performance.md` has both.

use crate::directory::snapshot::House;
use std::collections::HashMap;
use std::sync::Arc;

/// The two counters in front of what an `Arc` holds.
const SHARED: usize = 2 * size_of::<usize>();

/// Bytes that these houses take, with the map that finds them. Lists of partners that houses share are counted in each.
pub fn of_houses(houses: &HashMap<Arc<str>, Arc<House>>) -> u64 {
    // The standard library's map: one byte of control for each place, and an eighth of the places stay free.
    let place = size_of::<(Arc<str>, Arc<House>)>().saturating_add(1);
    let map = houses.capacity().saturating_mul(8).div_ceil(7).saturating_mul(place);
    let house = |(id, house): (&Arc<str>, &Arc<House>)| {
        let parts = [&house.doors, &house.barriers].map(|ids| size_of_val(&**ids) + texts(ids));
        [SHARED, id.len(), SHARED, size_of::<House>(), SHARED, size_of_val(&*house.partners)].iter().sum::<usize>()
            + parts.iter().sum::<usize>()
    };
    let total = houses.iter().map(house).fold(map, usize::saturating_add);
    u64::try_from(total).unwrap_or(u64::MAX)
}

fn texts(ids: &[Box<str>]) -> usize {
    ids.iter().map(|id| id.len()).sum()
}
