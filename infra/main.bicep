// Stage 1: the app and all that it owns, in one resource group of one subscription.
//
// By itself this is a complete deployment in report mode: the app may read the subscriptions in `subscriptionIds` (by
// default the one it is deployed to), sweeps them by timer, and writes nothing. Events come with stage 2
// (events.bicep), a whole management group with tenant.bicep, and the right to write with remediate.bicep.
// docs/deploy.md goes through them in order.

targetScope = 'subscription'

@minLength(1)
@maxLength(24)
@description('Name of the environment: it goes into the names of all resources and into the tag azd-env-name.')
param environmentName string

@minLength(1)
@description('Azure region of the app. It need not be a region of any API Management service.')
@metadata({ azd: { type: 'location' } })
param location string

@description('Object id of whoever deploys: it may write the desired state. Empty: nobody gets that right here.')
param principalId string = ''

@allowed(['User', 'Group', 'ServicePrincipal'])
@description('What kind of principal principalId is.')
param principalType string = 'User'

@description('Ids of the subscriptions to look after. Empty: the one that this is deployed to.')
param subscriptionIds array = []

@description('True where tenant.bicep grants the right to read at a management group: then nothing is granted here.')
param grantedByManagementGroup bool = false

@allowed(['report', 'ask', 'enforce'])
@description('How far any run may go. The right to write is granted apart from this, by remediate.bicep.')
param modeCeiling string = 'report'

@secure()
@description('URL of the Teams workflow that gets the cards. Empty: no cards; runs are then seen through the API.')
param teamsWebhook string = ''

@description('Resource ids of the Key Vaults with declared certificates: the app gets Key Vault Reader on each.')
param vaultIds array = []

@description('URL of the blob with the desired state. Empty: desired.yaml in the container desired-state of the app.')
param desiredState string = ''

@description('Client id of the app registration for sign-in. Empty: no App Service authentication, and no pages.')
param signInClientId string = ''

@description('When all instances are looked at: an NCRONTAB expression of six fields, in UTC.')
param sweepSchedule string = '0 7 * * * *'

@allowed(['3.11', '3.12', '3.13'])
@description('Version of Python that the app runs on.')
param pythonVersion string = '3.12'

@allowed([512, 2048, 4096])
@description('Memory of one instance of the app, in MB.')
param instanceMemoryMB int = 2048

@description('E-mail address that alerts go to. Empty: alerts are raised, and nobody is written to.')
param alertEmail string = ''

@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
@description('How the ledger is replicated. Not every region has zones.')
param storageSku string = 'Standard_ZRS'

@minValue(30)
@maxValue(730)
@description('For how many days logs and metrics are kept.')
param logDays int = 90

@minValue(90)
@maxValue(3650)
@description('For how many days runs and pre-images are kept. Undo needs the pre-image.')
param ledgerDays int = 400

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
var watched = empty(subscriptionIds) ? [subscription().subscriptionId] : subscriptionIds

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-apimend-${environmentName}'
  location: location
  tags: tags
}

module hub 'hub.bicep' = {
  name: 'apimend-hub'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    deployerId: principalId
    deployerType: principalType
    subscriptionIds: grantedByManagementGroup ? subscriptionIds : watched
    modeCeiling: modeCeiling
    teamsWebhook: teamsWebhook
    desiredState: desiredState
    signInClientId: signInClientId
    sweepSchedule: sweepSchedule
    pythonVersion: pythonVersion
    instanceMemoryMB: instanceMemoryMB
    alertEmail: alertEmail
    logDays: logDays
    ledgerDays: ledgerDays
    storageSku: storageSku
  }
}

// The right to look, and nothing else.
module detect 'modules/role-subscription.bicep' = [
  for id in (grantedByManagementGroup ? [] : watched): {
    name: 'apimend-detect-${uniqueString(id)}'
    scope: subscription(id)
    params: {
      role: loadJsonContent('roles/detect.json')
      suffix: environmentName
      principalId: hub.outputs.appPrincipalId
    }
  }
]

module vaultReader 'modules/vault-reader.bicep' = [
  for id in vaultIds: {
    name: 'apimend-vault-${uniqueString(id)}'
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      vaultName: last(split(id, '/'))
      principalId: hub.outputs.appPrincipalId
    }
  }
]

output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_NAME string = hub.outputs.functionAppName
output APIMEND_URL string = hub.outputs.functionAppUrl
output APIMEND_FUNCTION_APP_ID string = hub.outputs.functionAppId
output APIMEND_STORAGE_ID string = hub.outputs.storageId
output APIMEND_STORAGE_NAME string = hub.outputs.storageName
output APIMEND_EVENTS_IDENTITY_ID string = hub.outputs.eventsIdentityId
output APIMEND_APP_PRINCIPAL_ID string = hub.outputs.appPrincipalId
output APIMEND_APP_CLIENT_ID string = hub.outputs.appClientId
output APIMEND_ACTION_GROUP_ID string = hub.outputs.actionGroupId
output APIMEND_DESIRED_STATE_URL string = hub.outputs.desiredStateUrl
