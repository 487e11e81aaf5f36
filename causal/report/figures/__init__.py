"""What is drawn, from `result.json` alone; the canvas is one, the pictures are many."""
