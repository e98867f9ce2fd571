//! Who follows trouble: nothing that happened goes uncounted, however little of it is told one by one.

use std::sync::atomic::Ordering;
use std::time::Duration;

use lifesign::{Event, Subscription, SubscriptionFilter, TroubleKind};

use crate::world::World;

pub struct Watcher {
    subscription: Subscription,
    lapses: u64,
    pub refusals: u64,
    pub take_overs: u64,
}

impl Watcher {
    pub fn new(world: &World) -> Self {
        let subscription = world.engine.subscribe(&SubscriptionFilter::trouble()).unwrap();
        Self { subscription, lapses: 0, refusals: 0, take_overs: 0 }
    }

    /// Follows until the round is over.
    pub fn follow(&mut self, world: &World) {
        while !world.stop.load(Ordering::Relaxed) {
            let _ = self.subscription.wait(Some(Duration::from_millis(20)));
            self.poll();
        }
    }

    fn poll(&mut self) {
        loop {
            let batch = self.subscription.poll(100).unwrap();
            for event in &batch.events {
                let Event::Trouble(trouble) = event else { panic!("not asked for: {event:?}") };
                let known = match trouble.kind {
                    TroubleKind::Lapse => &mut self.lapses,
                    TroubleKind::Refusal => &mut self.refusals,
                    TroubleKind::TakeOver => &mut self.take_overs,
                    other => panic!("nobody rivals a claim: {other:?}"),
                };
                *known += trouble.count;
            }
            if !batch.more {
                return;
            }
        }
    }

    /// While all stand still and what was held back is due: every lapse was told. Returns how many comparisons that is.
    pub fn compare(&mut self, world: &World) -> u64 {
        self.poll();
        assert_eq!(self.lapses, world.engine.stats().unwrap().lapses, "every lapse is told");
        1
    }
}
