"""The book's apparatus: pages, figures, runs, records and measurements. The method is in `gradlib`."""
