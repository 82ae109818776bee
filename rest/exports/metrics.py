"""The Prometheus metrics of exports."""

from prometheus_client import Counter, Gauge

EXPORTS = Counter("clickgate_exports", "Requests to export a list, by list and outcome", ["list", "outcome"])
ROWS = Counter("clickgate_export_rows", "Exported rows, by list", ["list"])
RUNNING = Gauge("clickgate_exports_running", "Exports in progress", multiprocess_mode="livesum")
