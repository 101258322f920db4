"""Texts (SMS): what they say, what people answer, and the modem that carries them."""
