//! An engine in which everything is there that a call can meet, and what goes on in it beside one that stands still.

use std::sync::Arc;
use std::time::Duration;

use lifesign::{
    Acquire, Check, CheckSpec, Claim, Engine, ErrorKind, OnLapse, Service, ServiceSpec, Status, Subscription,
    SubscriptionFilter, Token,
};
use tempfile::TempDir;

use crate::follower::{Follower, truth};
use crate::support::clock::timed;
use crate::support::every_call::Things;
use crate::support::{PATIENCE, alias, check, drain, is_readable, service};
use crate::watch::Progress;

/// A chain of two aliases over a service, a check of the node, leases, subscriptions of every kind.
pub struct World {
    pub engine: Engine,
    pub web: Service,
    /// The check that the one who stands still is about.
    pub check: Check,
    pub token: Token,
    pub leased: Check,
    pub lease: Token,
    sibling: Check,
    pub sibling_token: Token,
    node: Check,
    node_token: Token,
    pub mirror: Check,
    pub everything: Subscription,
    /// Asked for once: to ask again would look at what is pending.
    descriptors: [i32; 2],
    prefix: Subscription,
    of_service: Subscription,
    pub of_check: Subscription,
    pub trouble: Subscription,
    claim: Claim,
    directory: TempDir,
}

impl World {
    pub fn new() -> Arc<Self> {
        let engine = timed();
        engine.tick(1, 1).unwrap();
        let (web, api) = (service(&engine, "web"), service(&engine, "api"));
        let main = check(&engine, "web:http", Some(&web));
        let sibling = check(&engine, "web:sibling", Some(&web));
        let leased = check(&engine, "web:leased", Some(&web));
        let node = check(&engine, "node:load", None);
        alias(&engine, "api:web", Some(&api), "web");
        let mirror = alias(&engine, "mirror", None, "api");
        let token = engine.acquire(&main, "O").unwrap();
        token.write(Status::Warning, "slow").unwrap();
        let sibling_token = engine.acquire(&sibling, "sibling").unwrap();
        let node_token = engine.acquire(&node, "node").unwrap();
        let how = Acquire::new("late").lease(Duration::from_secs(1), OnLapse::Critical);
        let lease = engine.acquire(&leased, how).unwrap();
        (1..=4).for_each(|quarter| engine.tick(1, quarter * 250_000_000).unwrap());
        let everything = engine.subscribe(&SubscriptionFilter::all()).unwrap();
        let prefix = engine.subscribe(&SubscriptionFilter::prefix("web:")).unwrap();
        let of_service = engine.subscribe(&SubscriptionFilter::service(&web, true)).unwrap();
        let descriptors = [&everything, &of_service].map(|reader| reader.descriptor().unwrap());
        let of_check = engine.subscribe(&SubscriptionFilter::check(&sibling)).unwrap();
        let trouble = engine.subscribe(&SubscriptionFilter::trouble()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let claim = engine.claim(directory.path(), "node").unwrap();
        let world = Self {
            engine,
            web,
            check: main,
            token,
            leased,
            lease,
            sibling,
            sibling_token,
            node,
            node_token,
            mirror,
            everything,
            descriptors,
            prefix,
            of_service,
            of_check,
            trouble,
            claim,
            directory,
        };
        drain(&world.of_check);
        Arc::new(world)
    }

    /// What every call is made on.
    pub fn things(&self) -> Things<'_> {
        Things {
            engine: &self.engine,
            service: &self.web,
            check: &self.check,
            token: &self.token,
            other: &self.sibling_token,
            subscription: &self.everything,
            claim: &self.claim,
            directory: self.directory.path(),
        }
    }

    /// One more subscription, with the whole state pending.
    pub fn one_more(&self) -> Subscription {
        self.engine.subscribe(&SubscriptionFilter::prefix("")).unwrap()
    }

    /// Takes in what there is before anything is done, so that later polls tell changes alone.
    pub fn followers(&self) -> Followers {
        let mut followers = Followers::default();
        followers.read(self);
        followers
    }

    /// What neither reads nor writes of anything else may wait for, whoever stands where: reads by handle, snapshots of direct checks, writes,
    /// tokens, waits.
    pub fn reads_and_writes(&self, progress: &Progress) {
        progress.at("the status of an alias");
        assert!(self.mirror.status().is_some());
        self.writes_beside_a_wait(progress);
        progress.at("a wait");
        self.of_check.wait(Some(PATIENCE)).expect("something is pending");
    }

    /// The same while the subscription to the sibling has a call.
    pub fn writes_beside_a_wait(&self, progress: &Progress) {
        self.direct_reads_and_writes(progress);
        progress.at("a write that an alias of an alias shows");
        self.sibling_token.write(Status::Critical, "beside it").unwrap();
        assert_eq!(self.mirror.status(), Some(Status::Critical), "at once");
        self.sibling_token.write(Status::Passing, "again").unwrap();
    }

    /// The same where the chain of aliases itself is being changed.
    pub fn direct_reads_and_writes(&self, progress: &Progress) {
        let engine = &self.engine;
        progress.at("a status by handle");
        assert!(self.sibling.status().is_some() && self.node.status().is_some());
        assert!(self.web.status().is_some() && engine.node_status().is_some());
        let _ = self.check.status();
        progress.at("the snapshot of a direct check");
        for direct in [&self.sibling, &self.node, &self.leased] {
            engine.snapshot(direct).unwrap();
        }
        let _ = engine.snapshot(&self.check);
        progress.at("who, writers, history");
        engine.who(&self.sibling).unwrap();
        engine.writers(&self.sibling).unwrap();
        engine.history(&self.sibling).unwrap();
        let _ = (engine.who(&self.check), engine.writers(&self.check), engine.history(&self.check));
        progress.at("a lookup of a check");
        assert_eq!(engine.check("web:sibling").unwrap(), self.sibling);
        progress.at("a write to a sibling");
        self.sibling_token.write(Status::Critical, "beside it").unwrap();
        assert_eq!(self.sibling.status(), Some(Status::Critical));
        assert_eq!(self.web.status(), Some(Status::Critical), "its service shows it at once");
        progress.at("a heartbeat");
        self.sibling_token.write(Status::Critical, "beside it").unwrap();
        self.sibling_token.renew().unwrap();
        progress.at("a write to the node");
        self.node_token.write(Status::Warning, "busy").unwrap();
        assert_eq!(engine.node_status(), Some(Status::Warning));
        progress.at("a batch");
        let writes = [&self.node_token, &self.sibling_token].map(|token| lifesign::Write {
            token,
            status: Status::Passing,
            output: "again",
        });
        assert!(engine.write_batch(&writes).unwrap().iter().all(Result::is_ok));
        assert_eq!(self.sibling.status(), Some(Status::Passing));
        progress.at("a refusal");
        let refused = engine.acquire(&self.sibling, "rival").expect_err("it is held");
        assert_eq!(refused.kind(), ErrorKind::Held);
        progress.at("a wait");
        assert!(self.descriptors.into_iter().all(is_readable), "the descriptor tells it");
        for subscription in [&self.everything, &self.prefix, &self.of_service] {
            subscription.wait(Some(PATIENCE)).expect("something is pending");
        }
    }

    /// A successor on the very check.
    pub fn take_over(&self, progress: &Progress) {
        let engine = &self.engine;
        progress.at("taking over");
        let holder = engine.who(&self.check).unwrap();
        let successor = engine.take_over(&self.check, holder.generation, "N").unwrap();
        progress.at("a write of the successor");
        successor.write(Status::Critical, "N's").unwrap();
        assert_eq!(
            (self.check.status(), self.mirror.status()),
            (Some(Status::Critical), Some(Status::Critical))
        );
        successor.write(Status::Passing, "N's too").unwrap();
        assert_eq!(self.check.status(), Some(Status::Passing));
        progress.at("a snapshot of what the successor wrote");
        assert_eq!(engine.snapshot(&self.check).unwrap().output(), "N's too");
        progress.at("closing the successor's token");
        successor.close().unwrap();
        progress.at("a write of the next holder");
        engine.acquire(&self.check, "the next").unwrap().write(Status::Passing, "the next one's").unwrap();
    }

    /// What registrations may keep waiting: views of whole services, polls, the audit, what changes the set of checks.
    pub fn views_and_polls(&self, followers: &mut Followers, progress: &Progress) {
        let engine = &self.engine;
        progress.at("the snapshot of an alias");
        engine.snapshot(&self.mirror).unwrap();
        progress.at("the snapshot of a service");
        assert!(engine.service_snapshot(&self.web).unwrap().checks.len() >= 2);
        engine.node_snapshot().unwrap();
        engine.service("web").unwrap();
        progress.at("polls");
        followers.read(self);
        followers.agree(self);
        progress.at("the audit");
        assert_eq!(engine.audit().unwrap(), 0);
        progress.at("a registration");
        let new = engine.register_check(&CheckSpec::new("web:new").initial(Status::Passing), Some(&self.web));
        let new = new.unwrap();
        let later = engine.register_service(&ServiceSpec::new("later")).unwrap();
        progress.at("a subscription, from the whole state and from a cursor");
        let fresh = engine.subscribe(&SubscriptionFilter::all()).unwrap();
        let cursor = loop {
            let batch = fresh.poll(usize::MAX).unwrap();
            if !batch.more {
                break batch.cursor;
            }
        };
        drain(&engine.subscribe(&SubscriptionFilter::all().since(cursor)).unwrap());
        fresh.close();
        progress.at("a deregistration");
        engine.deregister_check(&new).unwrap();
        engine.deregister_service(&later).unwrap();
        progress.at("the numbers");
        let stats = engine.stats().unwrap();
        assert_eq!((stats.repairs, stats.internal_errors), (0, 0));
        progress.at("polls after it");
        followers.read(self);
        followers.agree(self);
    }

    /// A wait that is asleep, or about to be, when somebody writes.
    pub fn wakes_a_sleeper(&self, progress: &Progress) {
        progress.at("waking a sleeper");
        drain(&self.of_check);
        std::thread::scope(|scope| {
            let asleep = scope.spawn(|| self.of_check.wait(Some(PATIENCE)));
            self.sibling_token.write(Status::Warning, "wake up").unwrap();
            asleep.join().unwrap().expect("it was woken");
        });
        self.sibling_token.write(Status::Passing, "sleep on").unwrap();
    }
}

/// Those who read beside it, and what they were told.
#[derive(Default)]
pub struct Followers {
    everything: Follower,
    prefix: Follower,
    of_service: Follower,
}

impl Followers {
    /// Everybody reads what is pending.
    pub fn read(&mut self, world: &World) {
        self.everything.read(&world.everything);
        self.prefix.read(&world.prefix);
        self.of_service.read(&world.of_service);
        drain(&world.trouble);
    }

    /// What they were told is what is, of all that nobody stands still about.
    fn agree(&self, world: &World) {
        let settled = |id: &str| !["web:http", "web:leased", "api:web", "mirror", "web:late"].contains(&id);
        self.compare(world, settled);
    }

    /// What they were told is what is, once nobody stands still any more.
    pub fn agree_in_the_end(mut self, world: &World) {
        self.read(world);
        self.compare(world, |_| true);
    }

    fn compare(&self, world: &World, wanted: impl Fn(&str) -> bool) {
        let of_web = |id: &str| wanted(id) && id.starts_with("web:");
        assert_eq!(self.everything.known(&wanted), truth(&world.engine, &wanted), "who wants everything");
        assert_eq!(self.prefix.known(of_web), truth(&world.engine, of_web), "who wants a prefix");
        assert_eq!(self.of_service.known(of_web), truth(&world.engine, of_web), "who wants a service");
    }
}
