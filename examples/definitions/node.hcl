# Bound to the node, so it counts for every service on it.
check {
  id       = "disk"
  name     = "root file system"
  args     = ["sh", "-c", "df -P / | awk 'NR == 2 { print $5 \" of / is used\"; exit ($5 + 0 >= 95) ? 2 : ($5 + 0 >= 90) }'"]
  interval = "5s"
  timeout  = "2s"

  failures_before_critical = 2
}
