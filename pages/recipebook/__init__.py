"""Parts of the page that explains recipes: in words, in what they need, in what came of them, two beside each other."""
