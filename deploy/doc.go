// Package deploy tests how the program is deployed: s.yaml, the RAM policies, the
// examples for cron, systemd, Kubernetes, Prometheus and Grafana, and the
// workflows. It has no code other than tests.
package deploy
