"""OLY, references and patterns: text to trees and back. Standard library only."""
