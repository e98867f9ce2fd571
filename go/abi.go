package lifesign

/*
// The library keeps no pointer it was given and never calls back, so that
// out-parameters may live on the goroutine's stack.
#cgo noescape lifesign_engine_open
#cgo noescape lifesign_engine_close
#cgo noescape lifesign_engine_id
#cgo noescape lifesign_engine_tick
#cgo noescape lifesign_engine_audit
#cgo noescape lifesign_engine_stats
#cgo noescape lifesign_engine_node
#cgo noescape lifesign_engine_record
#cgo noescape lifesign_engine_declare_writer
#cgo noescape lifesign_engine_export
#cgo noescape lifesign_engine_services
#cgo noescape lifesign_engine_checks
#cgo noescape lifesign_service_register
#cgo noescape lifesign_service_find
#cgo noescape lifesign_service_redefine
#cgo noescape lifesign_service_deregister
#cgo noescape lifesign_service_snapshot
#cgo noescape lifesign_check_register
#cgo noescape lifesign_check_find
#cgo noescape lifesign_check_redefine
#cgo noescape lifesign_check_deregister
#cgo noescape lifesign_check_deregister_force
#cgo noescape lifesign_check_snapshot
#cgo noescape lifesign_check_snapshots
#cgo noescape lifesign_check_who
#cgo noescape lifesign_check_writers
#cgo noescape lifesign_check_history
#cgo noescape lifesign_token_acquire
#cgo noescape lifesign_token_take_over
#cgo noescape lifesign_token_write_batch
#cgo noescape lifesign_token_renew
#cgo noescape lifesign_token_generation
#cgo noescape lifesign_token_record
#cgo noescape lifesign_token_deregister_check
#cgo noescape lifesign_token_close
#cgo noescape lifesign_token_join
#cgo noescape lifesign_subscribe
#cgo noescape lifesign_token_subscribe
#cgo noescape lifesign_subscription_poll
#cgo noescape lifesign_subscription_descriptor
#cgo noescape lifesign_unsubscribe
#cgo noescape lifesign_claim_open
#cgo noescape lifesign_claim_state
#cgo noescape lifesign_claim_rivals
#cgo noescape lifesign_claim_release
#cgo noescape lifesign_export_read
#cgo nocallback lifesign_abi_version
#cgo nocallback lifesign_version
#cgo nocallback lifesign_result_name
#cgo nocallback lifesign_engine_open
#cgo nocallback lifesign_engine_close
#cgo nocallback lifesign_engine_id
#cgo nocallback lifesign_engine_tick
#cgo nocallback lifesign_engine_audit
#cgo nocallback lifesign_engine_stats
#cgo nocallback lifesign_engine_node
#cgo nocallback lifesign_engine_node_reader
#cgo nocallback lifesign_engine_record
#cgo nocallback lifesign_engine_declare_writer
#cgo nocallback lifesign_engine_export
#cgo nocallback lifesign_engine_services
#cgo nocallback lifesign_engine_checks
#cgo nocallback lifesign_service_register
#cgo nocallback lifesign_service_find
#cgo nocallback lifesign_service_redefine
#cgo nocallback lifesign_service_deregister
#cgo nocallback lifesign_service_reader
#cgo nocallback lifesign_service_snapshot
#cgo nocallback lifesign_check_register
#cgo nocallback lifesign_check_find
#cgo nocallback lifesign_check_redefine
#cgo nocallback lifesign_check_deregister
#cgo nocallback lifesign_check_deregister_force
#cgo nocallback lifesign_check_snapshot
#cgo nocallback lifesign_check_reader
#cgo nocallback lifesign_check_snapshots
#cgo nocallback lifesign_check_who
#cgo nocallback lifesign_check_writers
#cgo nocallback lifesign_check_history
#cgo nocallback lifesign_token_acquire
#cgo nocallback lifesign_token_take_over
#cgo nocallback lifesign_token_write_batch
#cgo nocallback lifesign_token_renew
#cgo nocallback lifesign_token_generation
#cgo nocallback lifesign_token_record
#cgo nocallback lifesign_token_deregister_check
#cgo nocallback lifesign_token_close
#cgo nocallback lifesign_token_join
#cgo nocallback lifesign_subscribe
#cgo nocallback lifesign_token_subscribe
#cgo nocallback lifesign_subscription_poll
#cgo nocallback lifesign_subscription_descriptor
#cgo nocallback lifesign_unsubscribe
#cgo nocallback lifesign_claim_open
#cgo nocallback lifesign_claim_state
#cgo nocallback lifesign_claim_rivals
#cgo nocallback lifesign_claim_release
#cgo nocallback lifesign_export_read

#include "lifesign.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"
)

func init() {
	if linked := ABIVersion(); linked != C.LIFESIGN_ABI_VERSION {
		panic(fmt.Sprintf("lifesign: the linked library speaks ABI %d, the header this package was built with %d: rebuild both from one tree",
			linked, C.LIFESIGN_ABI_VERSION))
	}
}

// Version is the version of the linked library, such as "0.1.0".
func Version() string { return C.GoString(C.lifesign_version()) }

// ABIVersion is the linked library's ABI version, compared at start with the
// one this package was built for.
func ABIVersion() uint32 { return uint32(C.lifesign_abi_version()) }

// chars is the address of s's bytes, for a call that takes pointer and length.
func chars(s string) *C.char { return (*C.char)(unsafe.Pointer(unsafe.StringData(s))) }

// pinString makes a lifesign_str of s that may lie inside a struct given to C.
func pinString(pins *runtime.Pinner, s string) C.lifesign_str {
	return pin(pins, unsafe.StringData(s), len(s))
}

// pinBytes is pinString for bytes.
func pinBytes(pins *runtime.Pinner, b []byte) C.lifesign_str {
	return pin(pins, unsafe.SliceData(b), len(b))
}

func pin(pins *runtime.Pinner, data *byte, length int) C.lifesign_str {
	if length == 0 {
		return C.lifesign_str{}
	}
	pins.Pin(data)
	return C.lifesign_str{ptr: (*C.char)(unsafe.Pointer(data)), len: C.size_t(length)}
}
