"""The terminal app. It knows ``control`` (and ``settings`` where it edits the config), nothing else of ours.

How it works: ``Link`` writes snapshots into a ``Picture``; four times a second ``GridApp.flush`` asks every
visible ``RowPane`` of the shown page for its rows (``build(picture, width, height)``), and only the stretches
that differ are painted. Nothing else paints; handlers only change state.

To add a pane: subclass ``pane.Pane`` (framed, focusable, scrolls by itself) in ``panes/``, set ``TITLE``,
answer ``build`` with rows of ``(text, role)`` spans; roles are the names in ``theme.py``, helpers for columns
are in ``rows.py``, for numbers in ``words.py`` (None is ``-``), for bars and graphs in ``lines.py``.

To add a page: subclass ``screens.page.Page`` with ``NAME`` and ``body()`` in ``screens/``, and give it a row in
``pages.py``: key, palette and help follow from that. Own keys of a page or pane are its ``BINDINGS``, with ids.

To add an order: a row in ``actions.py`` with ``orders=True`` and a method in ``orders.py`` that ends in
``self.order(...)``; destructive ones go through a ``dialogs.dialog.Dialog``.

Tests run the app on fixed snapshots: ``tests/ui/fixtures.py`` and ``tests/ui/demo.py``.
"""
