"""The parts of the store, one class a subject; `fieldbox.storage.store.Store` is all of them.

Each method is one transaction; the queries that it makes are in the modules one folder up.
"""
