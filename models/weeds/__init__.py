"""Recipe of the weed model: data, training, export and evaluation.

Needs what `requirements.txt` beside this file lists. Nothing under `fieldbox/` imports it.
"""
