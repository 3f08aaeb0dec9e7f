"""Research: back-test, campaigns, reports. Stands above the service and may use all of it."""
