"""The config: a model composed of the rooms' own parameters, read from file, environment and command line.

``model`` is light. ``load`` brings in pydantic-settings and is imported where a config is really read.
"""
