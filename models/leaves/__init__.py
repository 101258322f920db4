"""Recipe of the leaf model: data, training, export and evaluation.

Needs what `../weeds/requirements.txt` lists. Nothing under `fieldbox/` imports it.
"""
