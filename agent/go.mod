module lifesign.dev/agent

go 1.24.0

require (
	github.com/hashicorp/hcl v1.0.0
	golang.org/x/term v0.30.0
	lifesign.dev/lifesign v0.0.0
)

require golang.org/x/sys v0.31.0 // indirect

replace lifesign.dev/lifesign => ../go
