package lifesign

// #include "lifesign.h"
import "C"

import (
	"fmt"
	"time"
)

// TroubleKind says what kind of trouble there was.
type TroubleKind uint32

const (
	// TroubleRefusal: a call on a check was refused.
	TroubleRefusal TroubleKind = C.LIFESIGN_TROUBLE_REFUSAL
	// TroubleTakeOver: a check was taken over from its holder.
	TroubleTakeOver TroubleKind = C.LIFESIGN_TROUBLE_TAKE_OVER
	// TroubleLapse: a holder's lease ran out.
	TroubleLapse TroubleKind = C.LIFESIGN_TROUBLE_LAPSE
	// TroubleRivalClaim: another process claims a name that the engine holds.
	TroubleRivalClaim TroubleKind = C.LIFESIGN_TROUBLE_RIVAL_CLAIM
)

// String is "refusal", "take-over", "lapse" or "rival claim".
func (k TroubleKind) String() string {
	switch k {
	case TroubleRefusal:
		return "refusal"
	case TroubleTakeOver:
		return "take-over"
	case TroubleLapse:
		return "lapse"
	case TroubleRivalClaim:
		return "rival claim"
	default:
		return fmt.Sprintf("TroubleKind(%d)", uint32(k))
	}
}

// Trouble is trouble of one kind, by one offender, at one check or claim.
type Trouble struct {
	Kind TroubleKind
	// Reason is why the last of the calls was refused; 0 for other kinds.
	Reason Code
	// Check is the check's handle; 0 for a claim, and for the rest of many.
	Check uint64
	// ID is the check's id or the claim's name; empty for the rest of many.
	ID string
	// Offender was refused, took over, lost its lease or claims too. It is nil
	// for the rest of many, which are counted together, and where a call names
	// nobody.
	Offender *WriterRecord
	// Holder held it: at a refusal the present holder, at a take-over the one
	// it was taken from; nil for nobody.
	Holder *WriterRecord
	// Generation is the present holder's, or the last one.
	Generation uint64
	// Count is how often, since the last event of the same kind, offender and
	// check or claim; First and Last are when.
	Count       uint64
	First, Last time.Time
}

func (s *Subscription) trouble(buffer []byte, c *C.lifesign_trouble) *Trouble {
	return &Trouble{
		Kind:       TroubleKind(c.kind),
		Reason:     Code(c.reason),
		Check:      uint64(c.check),
		ID:         newTexts(buffer, c.id).text(c.id),
		Offender:   s.engine.recordIf(uint32(c.offender)),
		Holder:     s.engine.recordIf(uint32(c.holder)),
		Generation: uint64(c.generation),
		Count:      uint64(c.count),
		First:      time.Unix(0, int64(c.first_ns)),
		Last:       time.Unix(0, int64(c.last_ns)),
	}
}

// recordIf is the record with a number that the engine gave out, nil for 0 and
// for one of an engine that is closed.
func (e *Engine) recordIf(id uint32) *WriterRecord {
	if id == 0 {
		return nil
	}
	record, err := e.Record(id)
	if err != nil {
		return nil
	}
	return &record
}
