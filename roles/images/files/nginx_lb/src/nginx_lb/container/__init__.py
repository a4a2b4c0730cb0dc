"""The container's first process: keeps nginx, the control process and the logs going."""
