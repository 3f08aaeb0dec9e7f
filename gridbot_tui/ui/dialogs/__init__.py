"""Dialogs: what would happen in numbers, then cancel (focused) or go on."""
