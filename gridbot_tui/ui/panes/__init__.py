"""The panes: one widget a file, each painting rows from the picture."""
