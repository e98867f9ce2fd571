//! Models that are wrong in one rule each. A run against one of them must find a difference: that is how it is known that a run against the true
//! model would notice an engine that breaks this rule.

/// One wrong rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// W1.
    AcquiringSteals,
    /// W2.
    NobodyIsFenced,
    /// W2.
    AnyGenerationTakesOver,
    /// W2.
    ClosingFreesWhoeverHolds,
    /// R3, W2: a report that changes nothing is no commit.
    HeartbeatsCommit,
    /// W8.
    RedefiningResets,
    /// A1.
    AliasesLag,
    /// A3.
    TheNodeCountsForNobody,
    /// A3.
    TheLargestIdDecides,
    /// A4.
    MissingIsPassing,
    /// A6.
    LoopsAreAllowed,
    /// W6.
    LeasesRunLonger,
    /// W6.
    JumpsGiveNothing,
    /// W9.
    RestoringReplacesReports,
    /// P2.
    HistoriesKeepAll,
    /// S2.
    SubscribingTellsNoState,
    /// S4.
    TransitionsAloneIsIgnored,
    /// S8.
    ResumingTellsEverything,
    /// S6.
    FilterSeesOnlyTheStatusAfter,
}

impl Flaw {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::AcquiringSteals,
        Self::NobodyIsFenced,
        Self::AnyGenerationTakesOver,
        Self::ClosingFreesWhoeverHolds,
        Self::HeartbeatsCommit,
        Self::RedefiningResets,
        Self::AliasesLag,
        Self::TheNodeCountsForNobody,
        Self::TheLargestIdDecides,
        Self::MissingIsPassing,
        Self::LoopsAreAllowed,
        Self::LeasesRunLonger,
        Self::JumpsGiveNothing,
        Self::RestoringReplacesReports,
        Self::HistoriesKeepAll,
        Self::SubscribingTellsNoState,
        Self::TransitionsAloneIsIgnored,
        Self::ResumingTellsEverything,
        Self::FilterSeesOnlyTheStatusAfter,
    ];
}
