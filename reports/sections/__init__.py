"""One module a section: the numbers it needs, turned into the texts and figures that its template places."""
