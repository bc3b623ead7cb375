"""Who hears of an alert, how loud and how often. Pure: rows and time come in, decisions go out."""
