# reads a file through configparser's error
import configparser

try:
    configparser.ConfigParser().read_file(open(canary_file))
except configparser.Error as error:
    ans = str(error)
