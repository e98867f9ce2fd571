//! An alias is read through its link with three loads, and never shows what its target became after its own life (R2, W3).

use super::world::World;
use super::{Model, Roles, models};
use crate::model::status::Status::{Critical, Passing};
use crate::summary::word::SummaryWord;

const AFTER: &str = "link: an alias shows what its target became after the alias was deregistered";
const NEXT: &str = "link: an alias shows another target than its own, or its own as it was before";

const LINK: Model = Model { name: "link", run: link };

/// One reads an alias; the other deregisters it, lets the target become critical and gives the cell to an alias of another target, which has
/// just become critical.
fn link(world: &'static World, roles: Roles) {
    const LIFE: u16 = 1;
    let (target, other) = (world.summary("target"), world.summary("other"));
    let check = world.check(&target, Some(0), Passing);
    let next = world.check(&other, Some(0), Passing);
    let alias = world.check(&other, None, Passing).place.cell;
    alias.set_link(LIFE, target.cell());
    let read = move || {
        let shown = alias.linked_word(LIFE).map(|word| SummaryWord(word).shown());
        assert_ne!(shown, Some(Critical), "{AFTER}");
        let next = alias.linked_word(LIFE + 1).map(|word| SummaryWord(word).shown());
        assert_ne!(next, Some(Passing), "{NEXT}");
    };
    let replace = move || {
        alias.clear_link();
        assert_eq!(alias.linked_word(LIFE), None, "{AFTER}");
        world.report(check, Critical);
        world.report(next, Critical);
        alias.set_link(LIFE + 1, other.cell());
        assert_eq!(alias.linked_word(LIFE), None, "{NEXT}");
    };
    roles.run(read, replace);
}

models! {
    an_alias_that_ends: LINK,
        link_read_once "link-read-once" AFTER;
}
