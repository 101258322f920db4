"""The pages, the JSON API and the map tiles that a person on the farm sees. No pixels are judged here."""
