module chio/tests/kms/servers/gcp

go 1.24

require (
	cloud.google.com/go/kms v1.22.0
	connectrpc.com/connect v1.16.2
	connectrpc.com/vanguard v0.3.0
	google.golang.org/genproto/googleapis/rpc v0.0.0-20250428153025-10db94c68c34
	google.golang.org/grpc v1.72.0
	google.golang.org/protobuf v1.36.6
)

require (
	cloud.google.com/go/longrunning v0.6.7 // indirect
	golang.org/x/net v0.39.0 // indirect
	golang.org/x/sys v0.32.0 // indirect
	golang.org/x/text v0.24.0 // indirect
	google.golang.org/genproto/googleapis/api v0.0.0-20250505200425-f936aa4a68b2 // indirect
)
