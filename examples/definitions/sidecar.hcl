# A sidecar is only worth sending traffic to while the service behind it is.
service {
  id   = "flappy-sidecar"
  name = "flappy-sidecar"
  port = 9103

  check {
    id            = "flappy-sidecar:alias"
    name          = "follows flappy"
    alias_service = "flappy"
  }
}

# Fed over HTTP; critical when nobody does so for 30 seconds:
#   curl -X PUT 'http://127.0.0.1:8500/v1/agent/check/pass/backup?note=done'
service {
  id   = "backup"
  name = "backup"

  check {
    id     = "backup"
    name   = "nightly backup"
    ttl    = "30s"
    status = "warning"
  }
}
